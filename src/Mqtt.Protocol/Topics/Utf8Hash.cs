using System.Numerics;
using System.Runtime.InteropServices;

namespace Mqtt.Protocol;

/// <summary>A fast hash of short byte strings: eight bytes a step, multiplied and mixed, with a secret seed against chosen keys.</summary>
internal static class Utf8Hash
{
    // From the system's generator, as every version 4 GUID: RandomNumberGenerator would load OpenSSL, five megabytes, for eight bytes.
    private static readonly ulong Seed = NewSeed();

    public static int Compute(ReadOnlySpan<byte> bytes)
    {
        var hash = Seed ^ ((ulong)bytes.Length * 0x9E37_79B9_7F4A_7C15);
        while (bytes.Length >= 8)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(bytes));
            bytes = bytes[8..];
        }

        ulong tail = 0;
        for (var i = 0; i < bytes.Length; i++)
            tail |= (ulong)bytes[i] << (8 * i);
        hash = Mix(hash ^ tail);
        return (int)(hash ^ (hash >> 32));
    }

    // The version and variant bits, which are the same in all, fall on random ones.
    private static ulong NewSeed()
    {
        Span<byte> random = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(random);
        return (MemoryMarshal.Read<ulong>(random) ^ BitOperations.RotateLeft(MemoryMarshal.Read<ulong>(random[8..]), 24)) | 1;
    }

    // The full product, folded: every input bit reaches every output bit.
    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, 0xD6E8_FEB8_6659_FD93 ^ Seed, out var low);
        return high ^ low;
    }
}
