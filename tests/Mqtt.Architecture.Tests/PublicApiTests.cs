using System.Reflection;
using Mqtt.Architecture.Tests.Samples.Api;

namespace Mqtt.Architecture.Tests;

public class PublicApiTests
{
    /// <summary>Set by <c>./test.sh --update</c>: the snapshots are written, not compared.</summary>
    private static readonly bool IsUpdate = Environment.GetEnvironmentVariable("MQTT_UPDATE_SNAPSHOTS") is "1";

    /// <summary>The libraries; the program shows nothing to anybody's code.</summary>
    public static TheoryData<string> Libraries => [.. SourceProject.All.Select(project => project.Name).Where(name => name != "Mqtt.Tool")];

    [Theory, MemberData(nameof(Libraries))]
    public void The_public_surface_is_that_of_the_snapshot(string library)
    {
        var surface = PublicApi.Describe(Assembly.LoadFrom(SourceProject.All.Single(project => project.Name == library).AssemblyPath));
        var snapshot = SnapshotOf(library);
        if (IsUpdate)
            File.WriteAllText(snapshot, surface);

        var stored = File.Exists(snapshot) ? File.ReadAllText(snapshot) : "";

        Difference(stored, surface).Should().BeEmpty("a change of what users see is made on purpose: ./test.sh --update writes it to {0}", Path.GetFileName(snapshot));
        surface.Should().Be(stored);
    }

    [Fact]
    public void There_is_no_snapshot_of_a_library_that_is_gone()
    {
        var snapshots = Directory.GetFiles(Repository.Path("tests", "Mqtt.Architecture.Tests", "api"), "*.txt");

        snapshots.Select(file => Path.GetFileNameWithoutExtension(file)!).Should().BeSubsetOf(SourceProject.All.Select(project => project.Name));
    }

    [Fact]
    public void The_surface_shows_every_kind_of_member_as_users_see_it()
    {
        var surface = PublicApi.Describe(typeof(Shown).Assembly);

        const string expected = """

              abstract class Shown : IDisposable
                const int Limit = 3
                protected static readonly string Name
                .ctor(string name, string? other = default, int count = 7)
                protected .ctor()
                abstract int this[int index] { get; protected set; }
                Dictionary<string, string?> Names { get; init; }
                required string? Text { get; set; }
                event EventHandler<int>? Changed
                void Dispose()
                Task<string?> FindAsync(ReadOnlyMemory<byte> bytes, params string[] names)
                protected virtual void OnChanged()
                override string ToString()
                static bool TryFind(in int from, ref int to, out Shown? found)

              static class ShownExtensions
                static int Count<T>(this IEnumerable<T> all) where T : class, IDisposable

              delegate bool ShownDelegate<T>(T? value)

              enum ShownEnum : byte
                None = 0
                All = 255

              interface IShown
                int Count { get; }
                void Reset()

              readonly record struct ShownPair : IEquatable<ShownPair>
                .ctor(int First, int? Second)
                int First { get; init; }
                int? Second { get; init; }
            """;
        foreach (var type in expected.Split("\n\n"))
            surface.Should().Contain(type.TrimEnd());
    }

    [Fact]
    public void The_surface_does_not_show_what_is_not_public()
    {
        PublicApi.Describe(typeof(Shown).Assembly).Should().NotContain("Hidden").And.NotContain("PrintMembers");
    }

    private static string SnapshotOf(string library) => Repository.Path("tests", "Mqtt.Architecture.Tests", "api", library + ".txt");

    private static IEnumerable<string> Difference(string stored, string surface)
    {
        var (before, now) = (stored.Split('\n'), surface.Split('\n'));
        return [.. before.Except(now).Select(line => $"- {line.Trim()}"), .. now.Except(before).Select(line => $"+ {line.Trim()}")];
    }
}
