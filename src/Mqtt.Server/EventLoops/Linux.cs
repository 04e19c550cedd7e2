using System.Runtime.InteropServices;

namespace Mqtt.Server.EventLoops;

/// <summary>The system calls of an event loop, as Linux has them.</summary>
internal static partial class Linux
{
    public const uint EpollIn = 0x001;
    public const uint EpollOut = 0x004;
    public const uint EpollErr = 0x008;
    public const uint EpollHup = 0x010;

    public const int EpollAdd = 1;
    public const int EpollDelete = 2;
    public const int EpollModify = 3;

    public const int Again = 11;
    public const int Interrupted = 4;
    public const int ConnectionReset = 104;
    public const int ConnectionAborted = 103;

    public const int ShutdownSend = 1;

    private const short PollPeerEnded = 0x2000;   // POLLRDHUP; errors are told unasked

    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int GetFlags = 3;
    private const int SetFlags = 4;
    private const int TcpLevel = 6;
    private const int NoDelay = 1;
    private const nuint CountUnread = 0x541B;   // FIONREAD

    /// <summary>The size of an epoll_event: packed on x64 only.</summary>
    public static int EventBytes { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where its data stand.</summary>
    public static int EventDataOffset { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>The error of the last call on this thread.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    public static int EpollCreate() => EpollCreate1(CloseOnExec);

    public static int EventFd() => EventFd(0, CloseOnExec | NonBlocking);

    public static unsafe int EpollControl(int epoll, int operation, int descriptor, uint events, nint data)
    {
        Span<byte> record = stackalloc byte[16];
        MemoryMarshal.Write(record, events);
        MemoryMarshal.Write(record[EventDataOffset..], (long)data);
        fixed (byte* pointer = record)
            return EpollCtl(epoll, operation, descriptor, pointer);
    }

    public static unsafe int EpollWait(int epoll, Span<byte> events, int timeoutMilliseconds)
    {
        fixed (byte* pointer = events)
            return EpollWait(epoll, pointer, events.Length / EventBytes, timeoutMilliseconds);
    }

    public static unsafe int Receive(int descriptor, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
            return (int)Recv(descriptor, pointer, buffer.Length, DontWait);
    }

    public static unsafe int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
            return (int)Send(descriptor, pointer, bytes.Length, DontWait | NoSignal);
    }

    /// <summary>True if the other side has shut down its sending side, or the connection is broken; what it sent may still be there to be read.</summary>
    public static unsafe bool HasPeerEnded(int descriptor)
    {
        var record = new PollRecord { Descriptor = descriptor, Events = PollPeerEnded };
        return Poll(&record, 1, 0) > 0;
    }

    /// <summary>How many bytes have come and were not read; 0 if the connection is broken.</summary>
    public static unsafe int UnreadBytes(int descriptor)
    {
        var bytes = 0;
        return Control(descriptor, CountUnread, &bytes) == 0 ? bytes : 0;
    }

    /// <summary>Accepts a connection without blocking; the peer's address goes to <paramref name="address"/>.</summary>
    public static unsafe int Accept(int listener, Span<byte> address)
    {
        var length = address.Length;
        fixed (byte* pointer = address)
            return Accept4(listener, pointer, &length, CloseOnExec | NonBlocking);
    }

    public static void SetNonBlocking(int descriptor) => _ = FileControl(descriptor, SetFlags, FileControl(descriptor, GetFlags, 0) | NonBlocking);

    public static unsafe void SetNoDelay(int descriptor)
    {
        var one = 1;
        _ = SetSockOpt(descriptor, TcpLevel, NoDelay, &one, sizeof(int));
    }

    public static unsafe void Signal(int eventFd)
    {
        long one = 1;
        _ = Write(eventFd, &one, sizeof(long));
    }

    public static unsafe void Unsignal(int eventFd)
    {
        long count;
        _ = Read(eventFd, &count, sizeof(long));
    }

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int descriptor, int how);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate1(int flags);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static unsafe partial int EpollCtl(int epoll, int operation, int descriptor, byte* record);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static unsafe partial int EpollWait(int epoll, byte* records, int count, int timeout);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int Poll(PollRecord* records, nuint count, int timeout);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial nint Recv(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static unsafe partial int Accept4(int listener, byte* address, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static unsafe partial int SetSockOpt(int descriptor, int level, int option, int* value, int length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FileControl(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int Control(int descriptor, nuint request, int* value);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, long* value, nint length);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint Read(int descriptor, long* value, nint length);

    private struct PollRecord
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }
}
