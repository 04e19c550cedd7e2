// The count of rented buffers is one for the whole process, and blocked threads are part of what is tested: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
