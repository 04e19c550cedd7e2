// The count of rented buffers is one for the whole process, and a flow test takes milliseconds: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
