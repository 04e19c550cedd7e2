using System.Text;

namespace Mqtt.Server.Listeners;

/// <summary>What a request for a WebSocket is answered.</summary>
/// <param name="Status">The HTTP status; 101 if it is accepted.</param>
/// <param name="Reason">Why it is refused: for the log and for whoever asked. Nothing of the request stands in it.</param>
/// <param name="Fields">Further lines of the answer's head, each with its end.</param>
internal sealed record UpgradeAnswer(int Status, string Reason, string Fields = "")
{
    public bool IsAccepted => Status == 101;

    /// <summary>The subprotocol that was selected; null if none was offered.</summary>
    public string? Subprotocol { get; init; }

    public byte[] ToBytes() => Encoding.ASCII.GetBytes(IsAccepted
        ? $"HTTP/1.1 101 {Phrase}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{Fields}\r\n"
        : $"HTTP/1.1 {Status} {Phrase}\r\n{Fields}Connection: close\r\nContent-Type: text/plain\r\nContent-Length: {Reason.Length + 1}\r\n\r\n{Reason}\n");

    private string Phrase => Status switch
    {
        101 => "Switching Protocols",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
}
