using System.Collections.Immutable;
using System.Reflection;
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

    private readonly PEReader image;
    private readonly MetadataReader metadata;
    private readonly HashSet<(TypeDefinitionHandle Type, bool IsInternal)> named = [];

    private TypeUses(PEReader image) => (this.image, metadata) = (image, image.GetMetadataReader());

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
        foreach (var handle in metadata.TypeDefinitions)
        {
            named.Clear();
            ReadType(metadata.GetTypeDefinition(handle));
            uses.UnionWith(named.Select(other => new TypeUse(NameOf(handle), NameOf(other.Type), other.IsInternal)));
        }

        return [.. uses.Where(use => use.From != use.To).OrderBy(use => use.ToString(), StringComparer.Ordinal)];
    }

    private void ReadType(TypeDefinition type)
    {
        Name(type.BaseType);
        foreach (var implementation in type.GetInterfaceImplementations())
            Name(metadata.GetInterfaceImplementation(implementation).Interface);
        foreach (var field in type.GetFields())
            ReadField(metadata.GetFieldDefinition(field));
        foreach (var method in type.GetMethods())
            ReadMethod(metadata.GetMethodDefinition(method));

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
            ReadBody(image.GetMethodBody(method.RelativeVirtualAddress));
    }

    private void ReadGenericParameters(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters)
        {
            foreach (var constraint in metadata.GetGenericParameter(parameter).GetConstraints())
                Name(metadata.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void ReadAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes)
            Name(metadata.GetCustomAttribute(attribute).Constructor);
    }

    private void ReadBody(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
            metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, default);
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
                NameType((TypeDefinitionHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, default);
                break;
            case HandleKind.MethodDefinition:
                var called = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                NameType(called.GetDeclaringType(), IsInternal(called.Attributes));
                break;
            case HandleKind.FieldDefinition:
                var field = metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                NameType(field.GetDeclaringType(), IsInternal((MethodAttributes)field.Attributes));
                break;
            case HandleKind.MemberReference:
                NameMember(metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                var method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                method.DecodeSignature(this, default);
                Name(method.Method);
                break;
            case HandleKind.StandaloneSignature:
                metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(this, default);
                break;
        }
    }

    private void NameType(TypeDefinitionHandle handle, bool byInternalMember = false) =>
        named.Add((handle, byInternalMember || IsInternal(handle)));

    private bool IsInternal(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => false,
            TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem => IsInternal(type.GetDeclaringType()),
            _ => true,
        };
    }

    // Fields have the same three bits for their visibility as methods.
    private static bool IsInternal(MethodAttributes attributes) => (attributes & MethodAttributes.MemberAccessMask)
        is not (MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem);

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
        var type = metadata.GetTypeDefinition(handle);
        if (!type.GetDeclaringType().IsNil)
            return NameOf(type.GetDeclaringType());
        return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
    }

    /// <inheritdoc/>
    public Nothing GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        NameType(handle);
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
