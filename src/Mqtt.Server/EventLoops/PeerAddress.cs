using System.Buffers.Binary;
using System.Net;

namespace Mqtt.Server.EventLoops;

/// <summary>An address as the kernel writes it, kept small until somebody asks for it.</summary>
internal readonly struct PeerAddress
{
    /// <summary>Room for every address that a TCP listener can see.</summary>
    public const int MaximumBytes = 28;

    private const int FamilyIPv4 = 2;
    private const int FamilyIPv6 = 10;

    private readonly UInt128 address;
    private readonly uint scope;
    private readonly ushort port;
    private readonly ushort family;

    public PeerAddress(ReadOnlySpan<byte> kernel)
    {
        family = BitConverter.ToUInt16(kernel);
        port = BinaryPrimitives.ReadUInt16BigEndian(kernel[2..]);
        if (family == FamilyIPv4)
        {
            address = BinaryPrimitives.ReadUInt32BigEndian(kernel[4..]);
        }
        else if (family == FamilyIPv6)
        {
            address = BinaryPrimitives.ReadUInt128BigEndian(kernel[8..]);
            scope = BitConverter.ToUInt32(kernel[24..]);
        }
    }

    /// <summary>The address; <see langword="null"/> if its family is not known.</summary>
    public EndPoint? ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        switch (family)
        {
            case FamilyIPv4:
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)address);
                return new IPEndPoint(new IPAddress(bytes[..4]), port);
            case FamilyIPv6:
                BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
                var mapped = new IPAddress(bytes, scope);
                return new IPEndPoint(mapped.IsIPv4MappedToIPv6 ? mapped.MapToIPv4() : mapped, port);
            default:
                return null;
        }
    }
}
