using System.Security.Cryptography;
using System.Text;

/// <summary>
/// The arithmetic of SCRAM-SHA-256 (RFC 5802, RFC 7677): client and server prove to each other that they know a password, and it never travels. Without channel
/// binding; names and passwords are taken as they are (RFC 4013, which ASCII is not changed by, is left out).
/// </summary>
static class Scram
{
    public const string Method = "SCRAM-SHA-256";
    public const int MinimumIterations = 4096;

    /// <summary>What opens the exchange, and stands again, in base 64, in the client's last message: no channel binding.</summary>
    public const string Header = "n,,";

    /// <summary>One attribute of a message such as <c>r=nonce,s=salt,i=4096</c>.</summary>
    public static string Attribute(string message, char name) =>
        message.Split(',').FirstOrDefault(part => part.StartsWith($"{name}=", StringComparison.Ordinal))?[2..] ?? throw new FormatException($"There is no {name} in the message.");

    public static string NewNonce() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));

    /// <summary>What both sides prove that they have seen.</summary>
    public static byte[] Transcript(string clientFirst, string serverFirst, string clientFinal) =>
        Encoding.UTF8.GetBytes($"{clientFirst[Header.Length..]},{serverFirst},{WithoutProof(clientFinal)}");

    public static byte[] SaltedPassword(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);

    public static byte[] ClientKey(byte[] saltedPassword) => HMACSHA256.HashData(saltedPassword, "Client Key"u8);

    public static byte[] ServerKey(byte[] saltedPassword) => HMACSHA256.HashData(saltedPassword, "Server Key"u8);

    /// <summary>The client's proof: its key, hidden under what only the stored key and the transcript make.</summary>
    public static byte[] Proof(byte[] clientKey, byte[] transcript) => Xor(clientKey, HMACSHA256.HashData(SHA256.HashData(clientKey), transcript));

    /// <summary>True if whoever made the proof knows the key of which the server has stored the hash.</summary>
    public static bool Verify(byte[] proof, byte[] storedKey, byte[] transcript) =>
        proof.Length == storedKey.Length && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Xor(proof, HMACSHA256.HashData(storedKey, transcript))), storedKey);

    public static string Escape(string name) => name.Replace("=", "=3D").Replace(",", "=2C");

    public static string Unescape(string name) => name.Replace("=2C", ",").Replace("=3D", "=");

    private static string WithoutProof(string clientFinal) => clientFinal.LastIndexOf(",p=", StringComparison.Ordinal) is >= 0 and var end ? clientFinal[..end] : clientFinal;

    private static byte[] Xor(byte[] left, byte[] right) => [.. left.Zip(right, (one, other) => (byte)(one ^ other))];
}

/// <summary>What a server keeps of a password: nobody can log in with it.</summary>
sealed record ScramAccount(byte[] Salt, int Iterations, byte[] StoredKey, byte[] ServerKey)
{
    public static ScramAccount Create(string password, byte[]? salt = null, int iterations = Scram.MinimumIterations)
    {
        salt ??= RandomNumberGenerator.GetBytes(16);
        var salted = Scram.SaltedPassword(password, salt, iterations);
        return new(salt, iterations, SHA256.HashData(Scram.ClientKey(salted)), Scram.ServerKey(salted));
    }
}
