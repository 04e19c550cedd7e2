namespace Mqtt.Hosting;

/// <summary>How things are named to people.</summary>
internal static class HostedName
{
    /// <summary>An address without the user name and password that may stand in it.</summary>
    public static string Of(Uri server) =>
        server.IsAbsoluteUri ? server.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.Unescaped).TrimEnd('/') : server.ToString();
}
