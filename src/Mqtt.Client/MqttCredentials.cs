using System.Text;

namespace Mqtt.Client;

/// <summary>User name and password of CONNECT.</summary>
public sealed record MqttCredentials
{
    /// <summary>Creates empty credentials; set what is needed.</summary>
    public MqttCredentials()
    {
    }

    /// <summary>Creates credentials; the password is sent as UTF-8.</summary>
    public MqttCredentials(string? userName, string? password = null)
    {
        UserName = userName;
        if (password is not null)
            Password = Encoding.UTF8.GetBytes(password);
    }

    /// <summary>The user name. Default: none.</summary>
    public string? UserName { get; init; }

    /// <summary>The password, any bytes. Default: none. In 3.x it needs a user name.</summary>
    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>Shows the user name alone.</summary>
    public override string ToString() => $"{nameof(MqttCredentials)} {{ {nameof(UserName)} = {UserName} }}";
}
