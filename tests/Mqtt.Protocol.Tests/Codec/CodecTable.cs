using Mqtt.Protocol.Tests.Codec.Cases;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>The one table of codec cases, put together from one part a packet or a rule.</summary>
internal static class CodecTable
{
    public static IReadOnlyDictionary<string, CodecCase> All { get; } = new[]
    {
        FixedHeaderCases.All, ConnectCases.All, ConnAckCases.All, PublishCases.All, PublishResponseCases.All, SubscribeCases.All,
        UnsubscribeCases.All, SubscriptionAckCases.All, PingCases.All, DisconnectCases.All, AuthCases.All, StringCases.All,
        PropertyCases.All, ReasonCodeCases.All,
    }.SelectMany(part => part).ToDictionary(row => row.Name);

    /// <summary>The rows of a theory: names, each tagged with the statements that its case proves.</summary>
    public static IEnumerable<TheoryDataRow<string>> Rows(Func<CodecCase, bool> where)
    {
        foreach (var row in All.Values.Where(where))
        {
            var data = new TheoryDataRow<string>(row.Name);
            foreach (var (version, number) in row.Statements)
                data.WithSpec(version, number);
            yield return data;
        }
    }
}
