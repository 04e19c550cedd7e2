using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>All hooks of one theme, in order. Any thread.</summary>
/// <typeparam name="T">The interface of the theme.</typeparam>
internal sealed class HookList<T>((T Hook, HookRunner Runner)[] hooks, Heartbeat heartbeat)
    where T : class, IBrokerHook
{
    /// <summary>
    /// Asks one hook after the other, until one has decided. False if one threw: what it was asked about is refused then. Completes at
    /// once, on the caller's thread and without an allocation, if all are inline and none waits.
    /// </summary>
    public ValueTask<bool> AskAsync<TRequest>(TRequest request, Func<T, TRequest, ValueTask> call)
        where TRequest : HookRequest
    {
        for (var i = 0; i < hooks.Length && !request.IsDecided; i++)
        {
            var (hook, runner) = hooks[i];
            if (!runner.IsInline)
                return AskFromAsync(i, null, request, call);
            try
            {
                var asking = call(hook, request);
                if (!asking.IsCompletedSuccessfully)
                    return AskFromAsync(i, asking, request, call);
            }
            catch (Exception failure)
            {
                runner.OnFailed(failure);
                return new(false);
            }
        }

        return new(true);
    }

    /// <summary>True if all hooks allow it; one that throws denies.</summary>
    public ValueTask<bool> AllowAsync<TArguments>(TArguments arguments, Func<T, TArguments, ValueTask<bool>> call)
    {
        for (var i = 0; i < hooks.Length; i++)
        {
            var (hook, runner) = hooks[i];
            if (!runner.IsInline)
                return AllowFromAsync(i, null, arguments, call);
            try
            {
                var asking = call(hook, arguments);
                if (!asking.IsCompletedSuccessfully)
                    return AllowFromAsync(i, asking, arguments, call);
                if (!asking.Result)
                    return new(false);
            }
            catch (Exception failure)
            {
                runner.OnFailed(failure);
                return new(false);
            }
        }

        return new(true);
    }

    /// <summary>Tells every observer: inline ones now, the others in their turn. Not under a lock. The arguments own what they hold.</summary>
    public void Tell<TArguments>(TArguments arguments, Func<T, TArguments, ValueTask> call)
    {
        Notice? notice = null;
        foreach (var (hook, runner) in hooks)
        {
            if (runner.IsInline)
                TellNow(hook, runner, arguments, call);
            else
                runner.Enqueue(notice ??= new Notice<T, TArguments>(call, arguments, null));
        }
    }

    /// <summary>Tells every observer of a message that is on its way: inline ones now, of the message as it is; the others in their turn, of a copy.</summary>
    public void Tell<TArguments>(Publication publication, long now, TArguments arguments, Func<T, TArguments, BrokerMessage, ValueTask> call)
    {
        Notice? notice = null;
        foreach (var (hook, runner) in hooks)
        {
            if (runner.IsInline)
                TellNow(hook, runner, (arguments, call, new BrokerMessage(publication.Parts, now)), static (hook, all) => all.call(hook, all.arguments, all.Item3));
            else
                runner.Enqueue(notice ??= new MessageNotice<T, TArguments>(call, arguments, publication.Stored, now));
        }
    }

    /// <summary>The same of a message that is kept already.</summary>
    public void Tell<TArguments>(StoredMessage stored, long now, TArguments arguments, Func<T, TArguments, BrokerMessage, ValueTask> call)
    {
        Notice? notice = null;
        foreach (var (hook, runner) in hooks)
        {
            if (runner.IsInline)
                TellNow(hook, runner, (arguments, call, new BrokerMessage(stored.Parts, now)), static (hook, all) => all.call(hook, all.arguments, all.Item3));
            else
                runner.Enqueue(notice ??= new MessageNotice<T, TArguments>(call, arguments, stored, now));
        }
    }

    /// <summary>Tells every observer in its turn, inline or not: for what happens under a lock. The message is held as long as need be.</summary>
    public void TellLater<TArguments>(StoredMessage? message, long now, TArguments arguments, Func<T, TArguments, BrokerMessage, ValueTask> call)
    {
        var notice = new MessageNotice<T, TArguments>(call, arguments, message, now);
        foreach (var (_, runner) in hooks)
            runner.Enqueue(notice);
    }

    private async ValueTask<bool> AskFromAsync<TRequest>(int first, ValueTask? asking, TRequest request, Func<T, TRequest, ValueTask> call)
        where TRequest : HookRequest
    {
        for (var i = first; i < hooks.Length && !request.IsDecided; i++, asking = null)
        {
            var (hook, runner) = hooks[i];
            if (asking is null && !runner.IsInline)
                await runner.SwitchAsync();
            var watch = Watch(runner);
            try
            {
                if (asking is { } asked)
                    await asked.ConfigureAwait(false);
                else
                    await call(hook, request).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                runner.OnFailed(failure);
                return false;
            }
            finally
            {
                heartbeat.Clear(watch);
            }
        }

        return true;
    }

    private async ValueTask<bool> AllowFromAsync<TArguments>(int first, ValueTask<bool>? asking, TArguments arguments, Func<T, TArguments, ValueTask<bool>> call)
    {
        for (var i = first; i < hooks.Length; i++, asking = null)
        {
            var (hook, runner) = hooks[i];
            if (asking is null && !runner.IsInline)
                await runner.SwitchAsync();
            var watch = Watch(runner);
            try
            {
                var allowed = asking is { } asked ? await asked.ConfigureAwait(false) : await call(hook, arguments).ConfigureAwait(false);
                if (!allowed)
                    return false;
            }
            catch (Exception failure)
            {
                runner.OnFailed(failure);
                return false;
            }
            finally
            {
                heartbeat.Clear(watch);
            }
        }

        return true;
    }

    private HookWatch Watch(HookRunner runner)
    {
        var watch = new HookWatch(runner);
        heartbeat.SetAfter(watch, runner.SlowTime);
        return watch;
    }

    // Nobody waits for an observer; only its failure is of interest.
    private static void TellNow<TArguments>(T hook, HookRunner runner, TArguments arguments, Func<T, TArguments, ValueTask> call)
    {
        try
        {
            var telling = call(hook, arguments);
            if (!telling.IsCompletedSuccessfully)
                runner.Observe(telling.AsTask());
        }
        catch (Exception failure)
        {
            runner.OnFailed(failure);
        }
    }
}
