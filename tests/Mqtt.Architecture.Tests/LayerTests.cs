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
            where wall.IsClimbedBy(use)
            select $"{use} ({wall.Why})";

        climbers.Should().BeEmpty();
    }

    [Theory]
    [InlineData("A.Inner.Type", "A.Other.Type", true)]
    [InlineData("A.Inner.Deep.Type", "A.Other.Deep.Type", true)]
    [InlineData("A.Door", "A.Other.Type", true)]
    [InlineData("A.Inner.Free.Type", "A.Other.Type", false)]
    [InlineData("A.InnerMost.Type", "A.Other.Type", false)]
    [InlineData("A.Inner.Type", "A.OtherOne.Type", false)]
    [InlineData("A.Other.Type", "A.Inner.Type", false)]
    public void A_wall_keeps_the_types_of_one_part_from_those_of_another(string from, string to, bool climbed)
    {
        var inner = new Part("A.Inner.*", "A.Door") { Except = new Part("A.Inner.Free.*") };
        var wall = new Wall("A", From: inner, To: new Part("A.Other.*"), "for the sake of the test");

        wall.IsClimbedBy(new TypeUse(from, to)).Should().Be(climbed);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void What_is_public_may_pass_a_wall_with_a_door(bool isInternal, bool climbed)
    {
        var wall = new Wall("A", From: new Part("A.Inner.*"), To: new Part("A.Other.*"), "for the sake of the test") { PublicMayPass = true };

        wall.IsClimbedBy(new TypeUse("A.Inner.Type", "A.Other.Type", isInternal)).Should().Be(climbed);
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
}
