namespace Mqtt.Channels.Tests;

public sealed class SocketChannel_over_tcp : NetworkSpecification
{
    private protected override Network Open() => new(loopCount: 0);
}

public sealed class EventLoopChannel_of_one_loop : NetworkSpecification
{
    private protected override Network Open() => new(loopCount: 1);
}

public sealed class EventLoopChannel_of_two_loops : NetworkSpecification
{
    private protected override Network Open() => new(loopCount: 2);
}

public sealed class TlsChannel_over_SocketChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 0, tls: true);
}

public sealed class TlsChannel_over_EventLoopChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 2, tls: true);
}

public sealed class UpgradeChannel_over_SocketChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 0, webSocket: true);
}

public sealed class UpgradeChannel_over_EventLoopChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 2, webSocket: true);
}

public sealed class UpgradeChannel_over_TlsChannel_over_SocketChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 0, tls: true, webSocket: true);
}

public sealed class UpgradeChannel_over_TlsChannel_over_EventLoopChannel : HandshakeSpecification
{
    private protected override Network Open() => new(loopCount: 2, tls: true, webSocket: true);
}
