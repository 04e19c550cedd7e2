using System.Xml.Linq;

namespace Mqtt.Conformance.Tests;

public class TestOutcomeTests
{
    [Fact]
    public void A_result_file_gives_name_result_and_statements_of_every_test()
    {
        var results = XDocument.Parse("""
            <assemblies><assembly><collection>
              <test name="Space.Reads(name: \&quot;a\&quot;)" type="Space.CodecTests" method="Reads" result="Pass">
                <traits><trait name="Spec" value="5.0/MQTT-1.0.0-1" /><trait name="Spec" value="3.1.1/MQTT-1.0.0-2" /><trait name="Slow" value="yes" /></traits>
              </test>
              <test name="Space.Writes" type="Space.CodecTests" method="Writes" result="Fail"><failure /></test>
            </collection><collection>
              <test name="Space.Waits" type="Space.CodecTests" method="Waits" result="Skip" />
            </collection></assembly></assemblies>
            """);

        var outcomes = TestOutcome.ReadAll(results).ToList();

        outcomes.Select(outcome => outcome.Name).Should().Equal("Space.Reads(name: \"a\")", "Space.Writes", "Space.Waits");
        outcomes.Select(outcome => outcome.Result).Should().Equal(TestResult.Passed, TestResult.Failed, TestResult.NotRun);
        outcomes[0].Statements.Should().Equal("5.0/MQTT-1.0.0-1", "3.1.1/MQTT-1.0.0-2");
        outcomes[1].Statements.Should().BeEmpty();
    }

    [Fact]
    public void A_test_without_a_result_is_no_result_file_of_xunit()
    {
        var read = () => TestOutcome.ReadAll(XDocument.Parse("<test name='a' type='b' method='c' />")).ToList();

        read.Should().Throw<FormatException>().WithMessage("*result*");
    }
}
