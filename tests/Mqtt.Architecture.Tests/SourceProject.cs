using System.Xml.Linq;

namespace Mqtt.Architecture.Tests;

/// <summary>A project of <c>src</c> and the assembly that was built from it, which lies beside this test program.</summary>
/// <param name="Name">Name of the project and of its folder.</param>
/// <param name="AssemblyPath">The built assembly.</param>
/// <param name="ProjectReferences">Names of the projects that its file refers to, used or not.</param>
public sealed record SourceProject(string Name, string AssemblyPath, IReadOnlyList<string> ProjectReferences)
{
    /// <summary>All projects of <c>src</c>.</summary>
    public static IReadOnlyList<SourceProject> All { get; } =
        [.. Directory.GetFiles(Repository.Path("src"), "*.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(Read)];

    private static SourceProject Read(string file)
    {
        var project = XDocument.Load(file);
        var name = Path.GetFileNameWithoutExtension(file);
        var assembly = project.Descendants("AssemblyName").SingleOrDefault()?.Value ?? name;
        var references = project.Descendants("ProjectReference")
            .Select(reference => reference.Attribute("Include")!.Value.Replace('\\', '/'))
            .Select(path => Path.GetFileNameWithoutExtension(path));

        return new SourceProject(name, Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), [.. references]);
    }
}
