namespace Mqtt.Tests;

/// <summary>Finds files of the source tree that a test program was built from.</summary>
public static class Repository
{
    private static readonly string Root = FindRoot();

    /// <summary>The full path of a file or folder, given by the names that lead to it from the root of the repository.</summary>
    public static string Path(params ReadOnlySpan<string> names) => System.IO.Path.Combine([Root, .. names]);

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(folder, "Mqtt.sln")))
            folder = Directory.GetParent(folder)?.FullName ?? throw new FileNotFoundException("There is no Mqtt.sln above the test program.");
        return folder;
    }
}
