using System.Buffers.Binary;

namespace Mqtt.Client.Sqlite;

/// <summary>Looks at the first bytes of a file, before SQLite does: what is no queue is not even opened, and so surely left as it is.</summary>
internal static class FileHeader
{
    /// <summary>What marks a SQLite file as a queue of this package: "MQtq".</summary>
    public const int ApplicationId = 0x4D51_7471;

    /// <summary>The present format.</summary>
    public const int Format = 1;

    // As the file format of SQLite says: https://sqlite.org/fileformat.html, section 1.3.
    private const int HeaderBytes = 100;
    private const int FormatAt = 60;
    private const int ApplicationIdAt = 68;

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    /// <summary>Returns if there is no file, an empty one, or a queue.</summary>
    /// <exception cref="MqttStoreException">There is something else.</exception>
    public static void Check(string path)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        var count = Read(path, header);
        if (count == 0)
            return;
        if (count < HeaderBytes || !header.StartsWith(Magic))
            throw new MqttStoreException($"{path} is no SQLite file, and was left as it is.");
        if (BinaryPrimitives.ReadInt32BigEndian(header[ApplicationIdAt..]) != ApplicationId)
            throw new MqttStoreException($"{path} is a SQLite file, but no queue of an MQTT client; it was left as it is.");
        if (BinaryPrimitives.ReadInt32BigEndian(header[FormatAt..]) is > Format and var newer)
            throw new MqttStoreException($"The queue in {path} has the format {newer}, and this version knows {Format} at most; it was left as it is.");
    }

    private static int Read(string path, Span<byte> header)
    {
        try
        {
            if (!File.Exists(path))
                return 0;
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MqttStoreException($"{path} cannot be read: {error.Message}", error);
        }
    }
}
