using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mqtt.Architecture.Tests;

/// <summary>
/// Writes down what an assembly shows to its users: one line for each type and member, in an order that does not depend on the source.
/// What a compiler adds to a record by itself is left out.
/// </summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The whole public surface.</summary>
    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var types in assembly.GetExportedTypes().GroupBy(type => type.Namespace).OrderBy(types => types.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"namespace {types.Key}\n");
            foreach (var type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
                AppendType(text, type);
            text.Append('\n');
        }

        return text.ToString().TrimEnd() + "\n";
    }

    private static void AppendType(StringBuilder text, Type type)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n  {Heading(type)}\n");
        foreach (var line in Members(type))
            text.Append(CultureInfo.InvariantCulture, $"    {line}\n");
    }

    private static string Heading(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
            return $"delegate {Signature(type.GetMethod("Invoke")!, ApiNames.OfType(type))}";

        var heading = $"{Kind(type)} {ApiNames.OfType(type)}";
        var bases = Bases(type).ToList();
        return (bases.Count > 0 ? $"{heading} : {string.Join(", ", bases)}" : heading) + ApiNames.Constraints(type.GetGenericArguments());
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";

        var record = IsRecord(type) ? "record " : "";
        if (type.IsValueType)
            return (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "") + (type.IsByRefLike ? "ref " : "") + record + "struct";

        var modifier = type switch { { IsAbstract: true, IsSealed: true } => "static ", { IsAbstract: true } => "abstract ", { IsSealed: true } => "sealed ", _ => "" };
        return modifier + (IsRecord(type) ? "record" : "class");
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.IsEnum)
        {
            yield return ApiNames.OfType(Enum.GetUnderlyingType(type));
            yield break;
        }

        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            yield return ApiNames.OfType(parent);

        var inherited = type.BaseType?.GetInterfaces() ?? [];
        foreach (var name in type.GetInterfaces().Where(face => face.IsVisible).Except(inherited).Select(ApiNames.OfType).Order(StringComparer.Ordinal))
            yield return name;
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}");
        if (typeof(Delegate).IsAssignableFrom(type))
            return [];

        var fields = type.GetFields(Declared).Where(field => IsShown(field.Attributes));
        var constructors = type.GetConstructors(Declared).Where(IsShown);
        var properties = type.GetProperties(Declared).Where(property => property.GetAccessors(nonPublic: true).Any(IsShown));
        var events = type.GetEvents(Declared).Where(@event => IsShown(@event.AddMethod!));
        var methods = type.GetMethods(Declared).Where(method => IsShown(method) && IsWritten(method));

        return [.. Lines(fields, Field), .. Lines(constructors, Constructor), .. Lines(properties, Property), .. Lines(events, Event), .. Lines(methods, Method)];
    }

    private static IEnumerable<string> Lines<TMember>(IEnumerable<TMember> members, Func<TMember, string> describe)
        where TMember : MemberInfo =>
        from member in members
        let line = describe(member)
        orderby member.Name, line
        select line;

    private static string Constructor(ConstructorInfo constructor) => Access(constructor) + Signature(constructor, ".ctor");

    private static string Field(FieldInfo field)
    {
        var type = ApiNames.OfType(field.FieldType, ApiNames.Nullability.Create(field));
        if (field.IsLiteral)
            return $"const {type} {field.Name} = {ApiNames.OfValue(field.GetRawConstantValue())}";
        return $"{(field.IsFamily ? "protected " : "")}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}";
    }

    private static string Property(PropertyInfo property)
    {
        var shown = property.GetAccessors(nonPublic: true).Where(IsShown).ToList();
        var widest = shown.FirstOrDefault(accessor => accessor.IsPublic) ?? shown[0];
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"this[{ApiNames.Parameters(parameters)}]" : property.Name;

        var accessors = shown.OrderBy(accessor => accessor != property.GetMethod).Select(accessor =>
        {
            var narrower = accessor.IsPublic == widest.IsPublic ? "" : "protected ";
            return narrower + (accessor == property.GetMethod ? "get;" : IsInit(accessor) ? "init;" : "set;");
        });
        return $"{Access(widest)}{Modifiers(widest)}{required}{ApiNames.OfType(property.PropertyType, ApiNames.Nullability.Create(property))} {index} {{ {string.Join(' ', accessors)} }}";
    }

    private static string Event(EventInfo @event) =>
        $"{Access(@event.AddMethod!)}{Modifiers(@event.AddMethod!)}event {ApiNames.OfType(@event.EventHandlerType!, ApiNames.Nullability.Create(@event))} {@event.Name}";

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";
        return Access(method) + Modifiers(method) + Signature(method, method.Name + generic) + ApiNames.Constraints(method.IsGenericMethod ? method.GetGenericArguments() : []);
    }

    private static string Signature(MethodBase method, string name)
    {
        var result = method is MethodInfo info ? ApiNames.OfType(info.ReturnType, ApiNames.Nullability.Create(info.ReturnParameter)) + " " : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return $"{result}{name}({extension}{ApiNames.Parameters(method.GetParameters())})";
    }

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Modifiers(MethodBase method)
    {
        if (method.IsStatic)
            return method.IsAbstract ? "static abstract " : "static ";
        if (method.DeclaringType!.IsInterface || !method.IsVirtual)
            return "";
        if (method.IsAbstract)
            return "abstract ";
        if (method is MethodInfo info && info.GetBaseDefinition() != info)
            return method.IsFinal ? "sealed override " : "override ";
        return method.IsFinal ? "" : "virtual ";
    }

    private static bool IsShown(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsShown(FieldAttributes attributes) =>
        (attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem
        && !attributes.HasFlag(FieldAttributes.SpecialName);

    /// <summary>False for accessors, which stand with their property, and for what the compiler wrote.</summary>
    private static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) && !method.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsRecord(Type type) =>
        type.GetMethod("PrintMembers", Declared, [typeof(StringBuilder)]) is { } print && print.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
}
