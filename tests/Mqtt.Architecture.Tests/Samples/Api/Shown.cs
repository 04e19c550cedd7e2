namespace Mqtt.Architecture.Tests.Samples.Api;

/// <summary>A member of every kind that the surface can show, and some that it must not.</summary>
public abstract class Shown : IDisposable
{
    public const int Limit = 3;

    protected static readonly string Name = "name";

    protected Shown()
    {
    }

    public Shown(string name, string? other = null, int count = 7) => _ = (name, other, count);

    public event EventHandler<int>? Changed;

    public required string? Text { get; set; }

    public Dictionary<string, string?> Names { get; init; } = [];

    public abstract int this[int index] { get; protected set; }

    public static bool TryFind(in int from, ref int to, out Shown? found)
    {
        to = from;
        found = null;
        return false;
    }

    public Task<string?> FindAsync(ReadOnlyMemory<byte> bytes, params string[] names) => Task.FromResult(names.Length > bytes.Length ? Text : null);

    public void Dispose() => GC.SuppressFinalize(this);

    public override string ToString() => Name;

    protected virtual void OnChanged() => Changed?.Invoke(this, HiddenCount());

    private static int HiddenCount() => Limit;
}
