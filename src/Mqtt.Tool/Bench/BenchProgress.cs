namespace Mqtt.Tool.Bench;

/// <summary>How a run goes.</summary>
/// <param name="Doing">What it is doing, in a word or two.</param>
/// <param name="Since">For how long.</param>
/// <param name="Connected">Clients that are connected.</param>
/// <param name="Sent">Messages published so far.</param>
/// <param name="Received">Messages received so far.</param>
internal readonly record struct BenchProgress(string Doing, TimeSpan Since, int Connected, long Sent, long Received);
