// Most of the time a test waits for processes of others.
[assembly: CollectionBehavior(MaxParallelThreads = 6)]
