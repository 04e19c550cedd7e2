using System.Text.RegularExpressions;

namespace Mqtt.Architecture.Tests;

public partial class ReadmeTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/testing.md")]
    public void Every_example_of_a_document_stands_in_a_program_that_is_built(string document)
    {
        var programs = Directory.GetFiles(Repository.Path("examples"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();

        var blocks = CodeBlock().Matches(File.ReadAllText(Repository.Path(document.Split('/')))).Select(block => block.Groups["code"].Value).ToList();

        blocks.Should().NotBeEmpty();
        blocks.Where(block => !programs.Any(program => program.Contains(block, StringComparison.Ordinal))).Should().BeEmpty();
    }

    [Fact]
    public void Every_program_of_the_examples_is_part_of_the_solution()
    {
        var solution = File.ReadAllText(Repository.Path("Mqtt.sln"));

        var projects = Directory.GetFiles(Repository.Path("examples"), "*.csproj", SearchOption.AllDirectories).Select(path => Path.GetFileName(path));

        projects.Should().OnlyContain(project => solution.Contains(project));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CHANGELOG.md")]
    [InlineData("docs/README.md")]
    [InlineData("docs/testing.md")]
    [InlineData("docs/observability.md")]
    [InlineData("benchmarks/README.md")]
    public void Every_link_into_the_repository_leads_somewhere(string document)
    {
        var path = Repository.Path(document.Split('/'));

        var targets = Link().Matches(File.ReadAllText(path)).Select(link => Path.Combine(Path.GetDirectoryName(path)!, link.Groups["target"].Value));

        targets.Where(target => !Path.Exists(target)).Should().BeEmpty();
    }

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\]\((?!https?:)(?<target>[^)#]+)[^)]*\)")]
    private static partial Regex Link();
}
