using System.Security.Cryptography;
using System.Text;

namespace Mqtt.EndToEnd.Tests;

/// <summary>The example of SCRAM-SHA-256 does what its RFC says, at both ends, over AUTH packets.</summary>
public class ScramTests
{
    // The exchange of RFC 7677, section 3.
    private const string ClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    private const string ServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    private const string ClientFinal = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    private const string ServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    [Fact]
    public async Task Client_and_hook_speak_the_exchange_of_the_RFC_byte_for_byte()
    {
        var account = ScramAccount.Create("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="));
        var spoken = new List<string>();
        await using var place = await Place.OpenAsync(new Dictionary<string, ScramAccount> { ["user"] = account }, () => "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        await using var client = place.Client(() => new Recorder(new ScramClient("user", "pencil", "rOprNGfwEbeRWgbNEkqO"), spoken));
        await client.ConnectAsync();
        await client.ReauthenticateAsync();

        spoken.Should().Equal(ClientFirst, ServerFirst, ClientFinal, ServerFinal, ClientFirst, ServerFirst, ClientFinal, ServerFinal);
    }

    [Theory]
    [InlineData("user", "pen")]
    [InlineData("nobody", "pencil")]
    [InlineData("us=er,", "pencil")]
    public async Task A_wrong_password_and_an_unknown_name_are_refused_alike(string name, string password)
    {
        await using var place = await Place.OpenAsync(new Dictionary<string, ScramAccount> { ["user"] = ScramAccount.Create("pencil") });
        await using var client = place.Client(() => new ScramClient(name, password));

        (await FluentActions.Awaiting(() => client.ConnectAsync().AsTask()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Fact]
    public async Task A_name_may_hold_the_characters_of_the_syntax()
    {
        await using var place = await Place.OpenAsync(new Dictionary<string, ScramAccount> { ["a=b,c"] = ScramAccount.Create("pencil") });
        await using var client = place.Client(() => new ScramClient("a=b,c", "pencil"));

        await client.ConnectAsync();
    }

    [Fact]
    public async Task Who_has_lost_the_account_is_cut_off_when_it_authenticates_anew()
    {
        var accounts = new Dictionary<string, ScramAccount> { ["user"] = ScramAccount.Create("pencil") };
        await using var place = await Place.OpenAsync(accounts);
        await using var client = place.Client(() => new ScramClient("user", "pencil"));
        await client.ConnectAsync();
        accounts["user"] = ScramAccount.Create("other");

        (await FluentActions.Awaiting(() => client.ReauthenticateAsync()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Theory]
    [InlineData("r=somebody else's,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=mine,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=mine+,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1")]
    [InlineData("r=mine+,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000")]
    [InlineData("r=mine+,i=4096")]
    [InlineData("")]
    public async Task A_challenge_that_repeats_is_too_cheap_or_is_none_is_not_answered(string challenge)
    {
        var client = new ScramClient("user", "pencil", "mine");
        client.Begin();

        await FluentActions.Awaiting(() => client.AnswerAsync(Encoding.UTF8.GetBytes(challenge), CancellationToken.None).AsTask()).Should().ThrowAsync<Exception>();
    }

    [Theory]
    [InlineData("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")]
    [InlineData("v=")]
    public async Task A_server_that_does_not_know_the_password_is_not_believed(string final)
    {
        var client = new ScramClient("user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        client.Begin();
        await client.AnswerAsync(Encoding.UTF8.GetBytes(ServerFirst), CancellationToken.None);

        client.Invoking(one => one.Complete(Encoding.UTF8.GetBytes(final))).Should().Throw<CryptographicException>();
        new ScramClient("user", "pencil").Invoking(one => one.Complete(Encoding.UTF8.GetBytes(ServerFinal))).Should().Throw<CryptographicException>("nothing was proven");
    }

    /// <summary>Writes down what an exchange says and hears.</summary>
    private sealed class Recorder(IMqttAuthenticationExchange inner, List<string> spoken) : IMqttAuthenticationExchange
    {
        public ReadOnlyMemory<byte>? Begin() => Note(inner.Begin());

        public async ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte>? challenge, CancellationToken cancellationToken) =>
            Note(await inner.AnswerAsync(Note(challenge), cancellationToken));

        public void Complete(ReadOnlyMemory<byte>? data) => inner.Complete(Note(data));

        private ReadOnlyMemory<byte>? Note(ReadOnlyMemory<byte>? data)
        {
            spoken.Add(Encoding.UTF8.GetString(data!.Value.Span));
            return data;
        }
    }

    /// <summary>A broker that lets in who is in the list.</summary>
    private sealed class Place(MqttBroker broker, MqttServer server) : IAsyncDisposable
    {
        public static async Task<Place> OpenAsync(IReadOnlyDictionary<string, ScramAccount> accounts, Func<string>? newNonce = null)
        {
            var broker = new MqttBroker(new MqttBrokerOptions { Hooks = [new ScramHook(accounts, newNonce)] });
            var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
            await server.StartAsync();
            return new(broker, server);
        }

        public MqttClient Client(Func<IMqttAuthenticationExchange> begin) => new(new MqttClientOptions
        {
            Server = new Uri($"mqtt://{server.Endpoints[0]}"),
            Authentication = new MqttAuthentication(Scram.Method) { BeginExchange = begin },
        });

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await broker.DisposeAsync();
        }
    }
}
