namespace Mqtt.Server.Broker;

/// <summary>Makes objects of one kind by name. Names are compared without case. Not for several threads at once while names are added.</summary>
/// <typeparam name="T">What is made.</typeparam>
public sealed class ProviderTable<T>
    where T : class
{
    private static readonly Dictionary<string, string> NoSettings = [];

    private readonly Dictionary<string, Func<IReadOnlyDictionary<string, string>, T>> providers = new(StringComparer.OrdinalIgnoreCase);

    internal ProviderTable()
    {
    }

    /// <summary>The names that are known, in alphabetical order.</summary>
    public IReadOnlyList<string> Names => [.. providers.Keys.Order(StringComparer.OrdinalIgnoreCase)];

    /// <summary>Adds a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="create">Makes a new object from the settings that stand beside the name; throws <see cref="ArgumentException"/> if they are wrong.</param>
    /// <returns>This table, for the next name.</returns>
    /// <exception cref="ArgumentException">The name is empty, or is there already.</exception>
    public ProviderTable<T> Add(string name, Func<IReadOnlyDictionary<string, string>, T> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(create);
        if (!providers.TryAdd(name, create))
            throw new ArgumentException($"\"{name}\" is there already.", nameof(name));
        return this;
    }

    /// <summary>Makes the object of a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="settings">What it is made from. Default: no settings.</param>
    /// <exception cref="ArgumentException">The name is not known, and the message lists those that are; or the settings are wrong.</exception>
    public T Create(string name, IReadOnlyDictionary<string, string>? settings = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!providers.TryGetValue(name, out var create))
            throw new ArgumentException($"\"{name}\" is not known. Known: {string.Join(", ", Names)}.", nameof(name));
        return create(settings ?? NoSettings);
    }
}
