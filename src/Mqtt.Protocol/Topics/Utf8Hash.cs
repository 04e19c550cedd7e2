using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mqtt.Protocol;

/// <summary>A fast hash of short byte strings: eight bytes a step, multiplied and mixed, with a secret seed against chosen keys.</summary>
internal static class Utf8Hash
{
    private static readonly ulong Seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(8)) | 1;

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

    // The full product, folded: every input bit reaches every output bit.
    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, 0xD6E8_FEB8_6659_FD93 ^ Seed, out var low);
        return high ^ low;
    }
}
