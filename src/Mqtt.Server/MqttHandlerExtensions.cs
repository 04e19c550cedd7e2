using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>Composes handlers.</summary>
public static class MqttHandlerExtensions
{
    /// <summary>
    /// A handler with these in front of it. The first sees each packet first; what a later call adds comes behind what is there already, so that
    /// <c>handler.Use(a).Use(b)</c> is <c>handler.Use(a, b)</c>. It runs inline only if all of them do, and the handler.
    /// </summary>
    public static IMqttHandler Use(this IMqttHandler handler, params IMqttMiddleware[] middlewares)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(middlewares);
        foreach (var middleware in middlewares)
            ArgumentNullException.ThrowIfNull(middleware, nameof(middlewares));
        return handler is ComposedHandler composed
            ? ComposedHandler.Of([.. composed.Middlewares, .. middlewares], composed.Innermost)
            : ComposedHandler.Of([.. middlewares], handler);
    }

    /// <summary>The same with a function: <c>handler.Use((connection, packet, next) => next.OnPacketAsync(connection, packet))</c>. It does not run inline.</summary>
    public static IMqttHandler Use(this IMqttHandler handler, Func<MqttConnection, MqttPacket, IMqttHandler, ValueTask> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        return handler.Use(new DelegateMiddleware(middleware));
    }

    private sealed class DelegateMiddleware(Func<MqttConnection, MqttPacket, IMqttHandler, ValueTask> onPacket) : IMqttMiddleware
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next) => onPacket(connection, packet, next);
    }

    /// <summary>A chain: the first middleware, and as a handler of its own what stands behind it.</summary>
    private class ComposedHandler : IMqttHandler
    {
        private readonly IMqttHandler next;

        private ComposedHandler(IMqttMiddleware[] middlewares, IMqttHandler innermost)
        {
            Middlewares = middlewares;
            Innermost = innermost;
            next = Of(middlewares[1..], innermost);
        }

        public IMqttMiddleware[] Middlewares { get; }

        public IMqttHandler Innermost { get; }

        public static IMqttHandler Of(IMqttMiddleware[] middlewares, IMqttHandler innermost)
        {
            if (middlewares.Length == 0)
                return innermost;
            return innermost is IInlineMqttHandler inline && Array.TrueForAll(middlewares, middleware => middleware is IInlineMqttMiddleware)
                ? new InlineComposedHandler(middlewares, inline)
                : new ComposedHandler(middlewares, innermost);
        }

        public bool HearsOfEndEarly => Innermost.HearsOfEndEarly && Middlewares.All(static middleware => middleware is IInlineMqttMiddleware);

        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) => Middlewares[0].OnPacketAsync(connection, packet, next);

        public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => Middlewares[0].OnClosedAsync(connection, cause, next);

        private sealed class InlineComposedHandler(IMqttMiddleware[] middlewares, IInlineMqttHandler innermost) : ComposedHandler(middlewares, innermost), IInlineMqttHandler
        {
            public int LookAhead(ReadOnlySpan<byte> unread) => innermost.LookAhead(unread);
        }
    }
}
