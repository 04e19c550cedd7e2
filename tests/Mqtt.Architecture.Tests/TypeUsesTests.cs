using Mqtt.Architecture.Tests.Samples;

namespace Mqtt.Architecture.Tests;

public class TypeUsesTests
{
    private static readonly IReadOnlyList<TypeUse> Uses = TypeUses.Read(typeof(TypeUsesTests).Assembly.Location);

    public static TheoryData<string> Users =>
    [
        .. new[]
        {
            typeof(UsesAsBase), typeof(UsesAsField), typeof(UsesAsParameter), typeof(UsesAsProperty), typeof(UsesAsLocal),
            typeof(UsesAsTypeArgument), typeof(UsesAsConstraint<>), typeof(UsesAsAttribute), typeof(UsesByTypeOf), typeof(UsesByCall),
            typeof(UsesInLambda), typeof(UsesInAsyncMethod), typeof(UsesByCatch), typeof(UsesAsArgumentOfGenericMethod),
        }.Select(type => type.FullName!),
    ];

    [Theory, MemberData(nameof(Users))]
    public void A_use_of_a_type_is_found_wherever_it_stands(string user)
    {
        Uses.Where(use => use.From == user).Select(use => use.To).Should().Contain(to => to.StartsWith("Mqtt.Architecture.Tests.Samples.Used"));
    }

    [Fact]
    public void A_type_that_names_no_other_has_no_uses()
    {
        Uses.Should().NotContain(use => use.From == typeof(Used).FullName);
    }

    [Theory]
    [InlineData(typeof(UsesByCall), false)]
    [InlineData(typeof(UsesByInternalCall), true)]
    [InlineData(typeof(UsesInternalType), true)]
    public void A_use_tells_whether_users_of_the_assembly_could_do_the_same(Type user, bool isInternal)
    {
        Uses.Where(use => use.From == user.FullName).Select(use => use.IsInternal).Should().Contain(isInternal).And.NotContain(!isInternal);
    }
}
