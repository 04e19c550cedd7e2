namespace Mqtt.Server.Broker.Sessions;

/// <summary>A copy of a shared subscription that was taken out of a session and goes to another.</summary>
/// <param name="Copy">The copy; whoever has this holds its message.</param>
/// <param name="PacketId">The identifier under which it was in flight; 0 if it was never sent.</param>
internal readonly record struct MovingCopy(Copy Copy, ushort PacketId);
