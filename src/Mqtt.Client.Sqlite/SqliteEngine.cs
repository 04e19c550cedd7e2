using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Mqtt.Client.Sqlite;

/// <summary>
/// Finds the native engine, once for the process. This package brings none, so that it never brings an old one: a bundle of SQLitePCLRaw that the program refers to comes first,
/// then a library that lies beside the program, then the system's.
/// </summary>
internal static class SqliteEngine
{
    private const string ProvidersName = "e_sqlite3";

    private static readonly string[] Libraries = [ProvidersName, "libsqlite3.so.0", "libsqlite3.dylib", "winsqlite3"];
    private static readonly Lock Gate = new();
    private static bool isFound;

    /// <summary>Makes sure that there is one.</summary>
    /// <exception cref="MqttStoreException">There is none.</exception>
    public static void Find()
    {
        lock (Gate)
        {
            if (isFound)
                return;

            // Loads a bundle, if there is one.
            RuntimeHelpers.RunClassConstructor(typeof(SqliteConnection).TypeHandle);
            isFound = IsThere() || UseSystemLibrary();
        }
    }

    private static bool UseSystemLibrary()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        }
        catch (InvalidOperationException)
        {
            // The program itself says where it is.
        }

        try
        {
            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            return true;
        }
        catch (DllNotFoundException missing)
        {
            throw new MqttStoreException("There is no SQLite: install the system's library, or refer to a bundle such as SQLitePCLRaw.bundle_e_sqlite3.", missing);
        }
    }

    // Without a provider every call throws.
    private static bool IsThere()
    {
        try
        {
            return raw.sqlite3_libversion_number() > 0;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return false;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        foreach (var library in name == ProvidersName ? Libraries : [])
        {
            if (NativeLibrary.TryLoad(library, assembly, path, out var handle))
                return handle;
        }

        return 0;
    }
}
