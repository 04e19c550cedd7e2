using System.IO.Enumeration;

namespace Mqtt.Architecture.Tests;

/// <summary>What one project of <c>src</c> may name, beside the base class library.</summary>
/// <param name="Project">Name of the project and of its folder.</param>
/// <param name="Projects">Projects of this solution.</param>
/// <param name="Packages">Assemblies of packages or of other frameworks; <c>*</c> stands for anything.</param>
public sealed record Layer(string Project, IReadOnlyList<string> Projects, IReadOnlyList<string> Packages)
{
    /// <summary>Assemblies of the base class library that this project has no business with.</summary>
    public IReadOnlyList<string> Banned { get; init; } = [];

    /// <summary>True if the project may name that assembly.</summary>
    public bool Allows(string assembly)
    {
        if (Banned.Contains(assembly))
            return false;
        return IsBaseClassLibrary(assembly)
            || Projects.Contains(assembly)
            || Packages.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, assembly, ignoreCase: false));
    }

    private static bool IsBaseClassLibrary(string assembly) =>
        assembly.StartsWith("System.", StringComparison.Ordinal) || assembly is "Microsoft.Win32.Primitives";
}
