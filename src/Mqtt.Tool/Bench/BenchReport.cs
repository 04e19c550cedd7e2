using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mqtt.Tool.Bench;

/// <summary>Writes a result for people, or for programs.</summary>
internal static class BenchReport
{
    /// <summary>The word for a shape on the command line.</summary>
    public static string NameOf(BenchShape shape) => shape switch
    {
        BenchShape.Publish => "pub",
        BenchShape.Subscribe => "sub",
        _ => shape.ToString().ToLowerInvariant(),
    };

    public static string Write(BenchResult result, BenchFormat format) => format switch
    {
        BenchFormat.Json => Json(result),
        BenchFormat.Csv => $"{string.Join(',', result.Figures().Select(figure => figure.Name))}{Environment.NewLine}{string.Join(',', result.Figures().Select(figure => Plain(figure.Value)))}",
        _ => Text(result),
    };

    private static string Json(BenchResult result)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in result.Figures())
            {
                json.WritePropertyName(name);
                if (value is string text)
                    json.WriteStringValue(text);
                else
                    json.WriteRawValue(Plain(value));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string Text(BenchResult result)
    {
        var (settings, tally) = (result.Settings, result.Tally);
        var text = new StringBuilder();
        Line("connected", $"{result.Clients:N0} clients in {result.ConnectedIn.TotalSeconds:0.###} s ({Rate(result.Clients, result.ConnectedIn)} a second)");
        if (settings.Shape == BenchShape.Subscribe)
            Line("subscribed", $"{result.Operations:N0} filters in {result.Took.TotalSeconds:0.###} s ({Rate(result.Operations, result.Took)} a second)");
        if (result.Sent > 0)
            Line("published", $"{result.Sent:N0} in {result.Took.TotalSeconds:0.###} s ({Rate(result.Sent, result.Took)} a second)");
        if (result.Expected > 0)
        {
            Line("received", $"{tally.Received:N0} ({Rate(tally.Received, result.ReceivingFor)} a second, {Rate(tally.Received * settings.PayloadBytes / 1e6, result.ReceivingFor)} MB/s)");
            Line("", $"{result.Lost:N0} lost, {tally.Duplicates:N0} duplicates, {tally.Late:N0} late");
        }

        Times("latency", tally.Delivery);
        Times("answers", tally.Answers);
        Line("processor", $"{Cost(result)}");
        if (result.Failures.Count > 0)
            Line("", $"{result.Failures.Count:N0} connections ended early, the first: {result.Failures[0].Message}");
        return text.ToString().TrimEnd();

        void Line(string name, FormattableString value) => text.AppendLine(CultureInfo.InvariantCulture, $"{name,-11}{value.ToString(CultureInfo.InvariantCulture)}");

        void Times(string name, LatencyHistogram times)
        {
            if (times.Count > 0)
                Line(name, $"median {Time(times.Percentile(0.5))}, 90 % {Time(times.Percentile(0.9))}, 99 % {Time(times.Percentile(0.99))}, 99.9 % {Time(times.Percentile(0.999))}, longest {Time(times.Longest)}");
        }
    }

    private static string Cost(BenchResult result)
    {
        var own = string.Create(CultureInfo.InvariantCulture, $"{result.Each(result.Cost.Own):0.###} us of this program for each of {result.Operations:N0}");
        return result.Cost.Server is { } server ? string.Create(CultureInfo.InvariantCulture, $"{result.Each(server):0.###} us of the server and {own}") : own;
    }

    private static string Rate(double count, TimeSpan time) =>
        time <= TimeSpan.Zero ? "0" : (count / time.TotalSeconds).ToString("N0", CultureInfo.InvariantCulture);

    private static string Time(long nanoseconds) => nanoseconds switch
    {
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:0.#} us"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:0.##} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:0.##} s"),
    };

    private static string Plain(object value) => value switch
    {
        double number => number.ToString("0.####", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => (string)value,
    };
}
