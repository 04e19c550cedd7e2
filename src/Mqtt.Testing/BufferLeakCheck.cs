using Mqtt.Protocol.Channels;

namespace Mqtt.Testing;

/// <summary>
/// Finds buffers of <see cref="BufferPool"/> that were rented and not given back.
/// <para>
/// There is one count for the whole process, so that it means something only while nothing else runs: put such a test into a
/// collection that runs alone (xunit: <c>[CollectionDefinition(DisableParallelization = true)]</c>), and let everything be closed
/// before <see cref="Verify"/>.
/// </para>
/// </summary>
public sealed class BufferLeakCheck
{
    private readonly long before = BufferPool.RentedCount;

    /// <summary>How many more buffers are out than when this was created.</summary>
    public long UnreturnedCount => BufferPool.RentedCount - before;

    /// <summary>Fails if buffers are out that were not when this was created, or were given back twice.</summary>
    /// <exception cref="ScriptFailedException">There are such buffers.</exception>
    public void Verify()
    {
        var count = UnreturnedCount;
        if (count > 0)
            throw new ScriptFailedException($"{count} buffers were rented and not given back.");
        if (count < 0)
            throw new ScriptFailedException($"{-count} more buffers were given back than rented.");
    }
}
