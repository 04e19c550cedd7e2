namespace Mqtt.Architecture.Tests;

public class LayerTests
{
    public static TheoryData<string> Projects => [.. SourceProject.All.Select(project => project.Name)];

    [Fact]
    public void The_table_has_a_line_for_every_project()
    {
        SourceProject.All.Select(project => project.Name).Should().BeSubsetOf(LayerTable.Layers.Select(layer => layer.Project));
    }

    [Fact]
    public void Arrows_run_down_only()
    {
        var below = new HashSet<string>();

        foreach (var layer in LayerTable.Layers)
        {
            layer.Projects.Should().BeSubsetOf(below, $"{layer.Project} may name only what stands above it in the table");
            below.Add(layer.Project);
        }
    }

    [Theory, MemberData(nameof(Projects))]
    public void An_assembly_names_only_what_its_layer_allows(string name)
    {
        var (project, layer) = Find(name);

        var forbidden = TypeUses.ReadReferences(project.AssemblyPath).Where(reference => !layer.Allows(reference));

        forbidden.Should().BeEmpty();
    }

    [Theory, MemberData(nameof(Projects))]
    public void A_project_file_refers_only_to_what_its_layer_allows(string name)
    {
        var (project, layer) = Find(name);

        project.ProjectReferences.Should().BeSubsetOf(layer.Projects);
    }

    [Theory, MemberData(nameof(Projects))]
    public void No_part_of_an_assembly_climbs_over_a_wall(string name)
    {
        var walls = LayerTable.Walls.Where(wall => wall.Project == name).ToList();
        var uses = TypeUses.Read(Find(name).Project.AssemblyPath);

        var climbers =
            from use in uses
            from wall in walls
            where wall.IsClimbedBy(NamespaceOf(use.From), NamespaceOf(use.To))
            select $"{use} ({wall.Why})";

        climbers.Should().BeEmpty();
    }

    [Theory]
    [InlineData("A.Inner", "A.Other", true)]
    [InlineData("A.Inner.Deep", "A.Other.Deep", true)]
    [InlineData("A.Inner.Free", "A.Other", false)]
    [InlineData("A.InnerMost", "A.Other", false)]
    [InlineData("A.Inner", "A.OtherOne", false)]
    [InlineData("A.Other", "A.Inner", false)]
    public void A_wall_keeps_one_namespace_with_all_below_it_from_another(string from, string to, bool climbed)
    {
        var wall = new Wall("A", From: "A.Inner", ExceptUnder: "A.Inner.Free", Never: "A.Other", "for the sake of the test");

        wall.IsClimbedBy(from, to).Should().Be(climbed);
    }

    [Theory]
    [InlineData("System.Runtime", true)]
    [InlineData("System.Net.Sockets", false)]
    [InlineData("Mqtt.Protocol", true)]
    [InlineData("Mqtt.Server", false)]
    [InlineData("Microsoft.Extensions.Options", true)]
    [InlineData("Newtonsoft.Json", false)]
    public void A_layer_allows_the_base_class_library_and_what_it_lists(string assembly, bool allowed)
    {
        var layer = new Layer("Mqtt.Some", Projects: ["Mqtt.Protocol"], Packages: ["Microsoft.Extensions.*"]) { Banned = ["System.Net.Sockets"] };

        layer.Allows(assembly).Should().Be(allowed);
    }

    private static (SourceProject Project, Layer Layer) Find(string name) =>
        (SourceProject.All.Single(project => project.Name == name), LayerTable.Layers.Single(layer => layer.Project == name));

    private static string NamespaceOf(string type) => type[..type.LastIndexOf('.')];
}
