using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Mqtt.Architecture.Tests;

/// <summary>
/// Which types of an assembly name which other types of the same assembly: as base, member, parameter, local, type argument or
/// attribute, or in the code of a method. Read from metadata, since a <c>using</c> that nobody needs names nothing. A constant leaves
/// no trace there.
/// </summary>
public sealed class TypeUses : ISignatureTypeProvider<TypeUses.Nothing, TypeUses.Nothing>
{
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value, code => code.OperandType);

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly HashSet<TypeDefinitionHandle> _named = [];

    private TypeUses(PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
    }

    /// <summary>A value that carries nothing: what counts is that the decoder passed by.</summary>
    public readonly record struct Nothing;

    /// <summary>All pairs of types, nested ones counted as the type that they are nested in.</summary>
    public static IReadOnlyList<TypeUse> Read(string assembly)
    {
        using var image = new PEReader(File.OpenRead(assembly));
        return new TypeUses(image).ReadAll();
    }

    /// <summary>The simple names of the assemblies that an assembly refers to.</summary>
    public static IReadOnlyList<string> ReadReferences(string assembly)
    {
        using var image = new PEReader(File.OpenRead(assembly));
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private List<TypeUse> ReadAll()
    {
        var uses = new HashSet<TypeUse>();
        foreach (var handle in _metadata.TypeDefinitions)
        {
            _named.Clear();
            ReadType(_metadata.GetTypeDefinition(handle));
            uses.UnionWith(_named.Select(named => new TypeUse(NameOf(handle), NameOf(named))));
        }

        return [.. uses.Where(use => use.From != use.To).OrderBy(use => use.ToString(), StringComparer.Ordinal)];
    }

    private void ReadType(TypeDefinition type)
    {
        Name(type.BaseType);
        foreach (var implementation in type.GetInterfaceImplementations())
            Name(_metadata.GetInterfaceImplementation(implementation).Interface);
        foreach (var field in type.GetFields())
            ReadField(_metadata.GetFieldDefinition(field));
        foreach (var method in type.GetMethods())
            ReadMethod(_metadata.GetMethodDefinition(method));

        ReadGenericParameters(type.GetGenericParameters());
        ReadAttributes(type.GetCustomAttributes());
    }

    private void ReadField(FieldDefinition field)
    {
        field.DecodeSignature(this, default);
        ReadAttributes(field.GetCustomAttributes());
    }

    private void ReadMethod(MethodDefinition method)
    {
        method.DecodeSignature(this, default);
        ReadGenericParameters(method.GetGenericParameters());
        ReadAttributes(method.GetCustomAttributes());
        if (method.RelativeVirtualAddress != 0)
            ReadBody(_image.GetMethodBody(method.RelativeVirtualAddress));
    }

    private void ReadGenericParameters(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters)
        {
            foreach (var constraint in _metadata.GetGenericParameter(parameter).GetConstraints())
                Name(_metadata.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void ReadAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes)
            Name(_metadata.GetCustomAttribute(attribute).Constructor);
    }

    private void ReadBody(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, default);
        foreach (var region in body.ExceptionRegions)
            Name(region.CatchType);

        var code = body.GetILReader();
        while (code.RemainingBytes > 0)
            ReadInstruction(ref code);
    }

    private void ReadInstruction(ref BlobReader code)
    {
        int opcode = code.ReadByte();
        if (opcode == 0xFE) // the first byte of every two-byte instruction
            opcode = 0xFE00 | code.ReadByte();

        switch (Operands[opcode])
        {
            case OperandType.InlineType or OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok or OperandType.InlineSig:
                Name(MetadataTokens.EntityHandle(code.ReadInt32()));
                break;
            case OperandType.InlineSwitch:
                var targets = code.ReadInt32();
                code.Offset += 4 * targets;
                break;
            case OperandType.InlineNone:
                break;
            case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                code.Offset += 1;
                break;
            case OperandType.InlineVar:
                code.Offset += 2;
                break;
            case OperandType.InlineI8 or OperandType.InlineR:
                code.Offset += 8;
                break;
            default:
                code.Offset += 4;
                break;
        }
    }

    /// <summary>Notes the type of this assembly that a token names, directly or inside something generic.</summary>
    private void Name(EntityHandle handle)
    {
        if (handle.IsNil)
            return;

        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _named.Add((TypeDefinitionHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, default);
                break;
            case HandleKind.MethodDefinition:
                Name(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Name(_metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                NameMember(_metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                var method = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                method.DecodeSignature(this, default);
                Name(method.Method);
                break;
            case HandleKind.StandaloneSignature:
                _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(this, default);
                break;
        }
    }

    private void NameMember(MemberReference member)
    {
        Name(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
            member.DecodeMethodSignature(this, default);
        else
            member.DecodeFieldSignature(this, default);
    }

    private string NameOf(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        if (!type.GetDeclaringType().IsNil)
            return NameOf(type.GetDeclaringType());
        return $"{_metadata.GetString(type.Namespace)}.{_metadata.GetString(type.Name)}";
    }

    /// <inheritdoc/>
    public Nothing GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        _named.Add(handle);
        return default;
    }

    /// <inheritdoc/>
    public Nothing GetTypeFromSpecification(MetadataReader reader, Nothing genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
    {
        Name(handle);
        return default;
    }

    /// <inheritdoc/>
    public Nothing GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => default;

    /// <inheritdoc/>
    public Nothing GetArrayType(Nothing elementType, ArrayShape shape) => default;

    /// <inheritdoc/>
    public Nothing GetByReferenceType(Nothing elementType) => default;

    /// <inheritdoc/>
    public Nothing GetFunctionPointerType(MethodSignature<Nothing> signature) => default;

    /// <inheritdoc/>
    public Nothing GetGenericInstantiation(Nothing genericType, ImmutableArray<Nothing> typeArguments) => default;

    /// <inheritdoc/>
    public Nothing GetGenericMethodParameter(Nothing genericContext, int index) => default;

    /// <inheritdoc/>
    public Nothing GetGenericTypeParameter(Nothing genericContext, int index) => default;

    /// <inheritdoc/>
    public Nothing GetModifiedType(Nothing modifier, Nothing unmodifiedType, bool isRequired) => default;

    /// <inheritdoc/>
    public Nothing GetPinnedType(Nothing elementType) => default;

    /// <inheritdoc/>
    public Nothing GetPointerType(Nothing elementType) => default;

    /// <inheritdoc/>
    public Nothing GetPrimitiveType(PrimitiveTypeCode typeCode) => default;

    /// <inheritdoc/>
    public Nothing GetSZArrayType(Nothing elementType) => default;
}
