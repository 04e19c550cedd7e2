namespace Mqtt.Architecture.Tests.Samples.Api;

public delegate bool ShownDelegate<T>(T? value)
    where T : class;

public enum ShownEnum : byte
{
    None,
    All = 255,
}

public interface IShown
{
    int Count { get; }

    void Reset();
}

public readonly record struct ShownPair(int First, int? Second);

public static class ShownExtensions
{
    public static int Count<T>(this IEnumerable<T> all)
        where T : class, IDisposable => all.Count();
}

internal sealed record Hidden(int First);
