using System.Buffers;
using System.Text;

namespace Mqtt.Protocol;

/// <summary>What a UTF-8 Encoded String may hold (section 1.5.4), whatever stands in it.</summary>
internal static class Utf8Text
{
    /// <summary>
    /// True if the bytes are well-formed UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-1.5.4-2] and, unless they are allowed,
    /// without the code points that the standard calls disallowed. A byte order mark is a character like any other [MQTT-1.5.4-3].
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> text, bool allowDisallowedCodePoints)
    {
        // Printable ASCII, which is nearly everything, is found in one vectorised search.
        var firstOther = text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
        return firstOther < 0 || AreValidRunes(text[firstOther..], allowDisallowedCodePoints);
    }

    private static bool AreValidRunes(ReadOnlySpan<byte> text, bool allowDisallowedCodePoints)
    {
        while (!text.IsEmpty)
        {
            // The decoder refuses overlong forms, surrogates and what lies beyond U+10FFFF.
            if (Rune.DecodeFromUtf8(text, out var rune, out var length) != OperationStatus.Done)
                return false;
            if (rune.Value == 0 || (!allowDisallowedCodePoints && IsDisallowed(rune.Value)))
                return false;
            text = text[length..];
        }

        return true;
    }

    private static bool IsDisallowed(int codePoint) =>
        codePoint is < 0x20 or (>= 0x7F and <= 0x9F) or (>= 0xFDD0 and <= 0xFDEF) || (codePoint & 0xFFFE) == 0xFFFE;
}
