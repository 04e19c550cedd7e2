using System.Globalization;
using System.Reflection;

namespace Mqtt.Architecture.Tests;

/// <summary>Writes types, parameters and values as C# does, nullable annotations included.</summary>
public static class ApiNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    /// <summary>Reads nullable annotations; it caches, and the tests of one class run one after another.</summary>
    public static NullabilityInfoContext Nullability { get; } = new();

    /// <summary>A type without annotations.</summary>
    public static string OfType(Type type) => OfType(type, null);

    /// <summary>A type with the annotations of the member that it stands in.</summary>
    public static string OfType(Type type, NullabilityInfo? annotations)
    {
        if (type.IsByRef)
            return OfType(type.GetElementType()!, annotations);
        if (Nullable.GetUnderlyingType(type) is { } value)
            return OfType(value) + "?";

        var mark = !type.IsValueType && annotations is { ReadState: NullabilityState.Nullable } ? "?" : "";
        if (type.IsArray)
            return $"{OfType(type.GetElementType()!, annotations?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (type.IsGenericParameter)
            return type.Name + mark;
        return (Keywords.TryGetValue(type, out var keyword) ? keyword : NameOf(type, annotations)) + mark;
    }

    /// <summary>Parameters, separated by commas.</summary>
    public static string Parameters(IEnumerable<ParameterInfo> parameters) => string.Join(", ", parameters.Select(Parameter));

    /// <summary>What the type arguments must be, or nothing.</summary>
    public static string Constraints(IEnumerable<Type> arguments)
    {
        var text = "";
        foreach (var argument in arguments.Where(argument => argument.IsGenericParameter))
        {
            var attributes = argument.GenericParameterAttributes;
            List<string> constraints = [.. argument.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(OfType)];
            if (attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
                constraints.Insert(0, "struct");
            else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
                constraints.Insert(0, "class");
            if (attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && constraints is not ["struct", ..])
                constraints.Add("new()");

            if (constraints.Count > 0)
                text += $" where {argument.Name} : {string.Join(", ", constraints)}";
        }

        return text;
    }

    /// <summary>A constant or a parameter's default.</summary>
    public static string OfValue(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Parameter(ParameterInfo parameter)
    {
        var kind = parameter switch
        {
            { IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ => parameter.GetCustomAttributes().Any(attribute => attribute is ParamArrayAttribute or System.Runtime.CompilerServices.ParamCollectionAttribute) ? "params " : "",
        };
        var value = parameter.HasDefaultValue ? $" = {OfValue(parameter.DefaultValue)}" : "";
        return $"{kind}{OfType(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{value}";
    }

    private static string NameOf(Type type, NullabilityInfo? annotations)
    {
        var name = type.Name.Split('`')[0];
        var arguments = type.GetGenericArguments();
        if (type.DeclaringType is { } outer)
        {
            name = $"{OfType(outer)}.{name}";
            arguments = [.. arguments.Skip(outer.GetGenericArguments().Length)];
        }

        if (arguments.Length == 0)
            return name;

        var marks = annotations?.GenericTypeArguments is { } all && all.Length == arguments.Length ? all : null;
        return $"{name}<{string.Join(", ", arguments.Select((argument, index) => OfType(argument, marks?[index])))}>";
    }
}
