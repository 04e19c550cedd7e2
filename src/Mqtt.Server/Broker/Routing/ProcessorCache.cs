using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Mqtt.Server.Broker.Routing;

/// <summary>Tells the processor what will be wanted soon, so that it comes from memory while other work is done. Only a hint, and none where the processor has no such instruction.</summary>
internal static class ProcessorCache
{
    private const int LineBytes = 64;

    /// <summary>True where hints are given.</summary>
    public static bool TakesHints => Sse.IsSupported;

    /// <summary>An element of an array will be wanted.</summary>
    public static unsafe void Fetch<TElement>(ref TElement element)
    {
        if (TakesHints)
            Sse.Prefetch0(Unsafe.AsPointer(ref element));
    }

    /// <summary>The first bytes of an object will be wanted. That it may be moved in the meantime does no harm.</summary>
    public static unsafe void Fetch(object wanted, int bytes)
    {
        if (!TakesHints)
            return;
        var start = (byte*)Unsafe.As<object, nint>(ref wanted);
        for (var i = 0; i < bytes; i += LineBytes)
            Sse.Prefetch0(start + i);
        Sse.Prefetch0(start + bytes - 1);
    }
}
