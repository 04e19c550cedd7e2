namespace Mqtt.Architecture.Tests.Samples;

public class UsesAsBase : Used;

public class UsesAsField
{
    public static readonly Used? Field;
}

public class UsesAsParameter
{
    public void Take(Used? used) => _ = used is null;
}

public class UsesAsProperty
{
    public Used[]? Property { get; set; }
}

public class UsesAsLocal
{
    public bool Compare(object other)
    {
        var used = other as Used;
        return used is null;
    }
}

public class UsesAsTypeArgument
{
    public List<Used>? All { get; set; }
}

public class UsesAsConstraint<T>
    where T : Used
{
    public int Number { get; set; }
}

[Used]
public class UsesAsAttribute;

public class UsesByTypeOf
{
    public string Name => typeof(Used).Name;
}

public class UsesByCall
{
    public int Count(int kind) => kind switch { 0 => 17, 1 => 4, 2 => 99, 3 => 12, 4 => Used.Count(), _ => 0 };
}

public class UsesInLambda
{
    public Func<int> Counter => () => Used.Count();
}

public class UsesInAsyncMethod
{
    public async Task<int> CountAsync()
    {
        await Task.Yield();
        return Used.Count();
    }
}

public class UsesByCatch
{
    public bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (UsedException)
        {
            return false;
        }
    }
}

public class UsesAsArgumentOfGenericMethod
{
    public int Count(IEnumerable<object> all) => all.OfType<Used>().Count();
}

public class UsesByInternalCall
{
    public int Count() => Used.CountInside();
}

public class UsesInternalType
{
    public int Count() => UsedInside.Count();
}
