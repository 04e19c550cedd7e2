namespace Mqtt.Tool.Bench;

/// <summary>How results are printed.</summary>
internal enum BenchFormat
{
    /// <summary>Lines for people.</summary>
    Text,

    /// <summary>One JSON object.</summary>
    Json,

    /// <summary>Two lines: names and values.</summary>
    Csv,
}
