using System.Runtime.CompilerServices;

namespace Mqtt.Broker.Tests.Model;

/// <summary>What is wrong; only put into words if it is.</summary>
[InterpolatedStringHandler]
internal ref struct Complaint
{
    private DefaultInterpolatedStringHandler text;

    public Complaint(int literalLength, int formattedCount, bool isRight, out bool isNeeded)
    {
        isNeeded = !isRight;
        text = isNeeded ? new(literalLength, formattedCount) : default;
    }

    public void AppendLiteral(string value) => text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

    public override string ToString() => text.ToStringAndClear();
}
