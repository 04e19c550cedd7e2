namespace Mqtt.Conformance;

/// <summary>How a test ended.</summary>
public enum TestResult
{
    /// <summary>It ran and held.</summary>
    Passed,

    /// <summary>It ran and did not hold.</summary>
    Failed,

    /// <summary>It was skipped, so it says nothing.</summary>
    NotRun,
}
