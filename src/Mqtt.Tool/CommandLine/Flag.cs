namespace Mqtt.Tool.CommandLine;

/// <summary>One flag of a command: its names, what follows it, what it means, and where its value goes.</summary>
/// <param name="Name">The long name, without the dashes.</param>
/// <param name="Letter">The short name; <c>'\0'</c> if it has none.</param>
/// <param name="Value">What the help calls the value; <see langword="null"/> for a switch, which takes none.</param>
/// <param name="Help">One line for the help.</param>
/// <param name="Apply">Takes the value, or an empty string for a switch; throws <see cref="FormatException"/> if it is none.</param>
internal sealed record Flag(string Name, char Letter, string? Value, string Help, Action<string> Apply);
