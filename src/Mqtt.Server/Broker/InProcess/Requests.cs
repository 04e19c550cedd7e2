using System.IO.Pipelines;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>What an in-process client has asked and has no answer to, by packet identifier. Any thread; its lock is a leaf.</summary>
/// <param name="scheduler">Where who asked goes on.</param>
internal sealed class Requests(PipeScheduler scheduler)
{
    private readonly Lock gate = new();
    private readonly Dictionary<ushort, Request> open = [];
    private ushort lastId;
    private bool hasEnded;

    /// <summary>Takes a packet identifier for a request; the task brings its answer.</summary>
    /// <exception cref="MqttConnectionException">The connection is over.</exception>
    public Task<IReadOnlyList<ReasonCode>> Begin(out ushort packetId)
    {
        var request = new Request(new());
        lock (gate)
        {
            if (hasEnded)
                throw new MqttConnectionException();
            do
                packetId = ++lastId;
            while (packetId == 0 || open.ContainsKey(packetId));
            open.Add(packetId, request);
        }

        return request.Answer.Task;
    }

    /// <summary>PUBREC: the answer stands, and is given with PUBCOMP.</summary>
    public void Prepare(ushort packetId, ReasonCode code)
    {
        lock (gate)
        {
            if (open.TryGetValue(packetId, out var request))
                request.Prepared = code;
        }
    }

    /// <summary>The answer has come; without codes it is the prepared one.</summary>
    public void Complete(ushort packetId, params IReadOnlyList<ReasonCode> codes)
    {
        Request? request;
        lock (gate)
            open.Remove(packetId, out request);
        if (request is not null)
            scheduler.Schedule(_ => request.Answer.SetResult(codes.Count == 0 ? [request.Prepared] : codes), null);
    }

    /// <summary>The connection is over: no answer will come, and no request is taken any more.</summary>
    public void EndAll()
    {
        List<Request> lost;
        lock (gate)
        {
            hasEnded = true;
            lost = [.. open.Values];
            open.Clear();
        }

        foreach (var request in lost)
            scheduler.Schedule(static request => ((Request)request!).Answer.SetException(new MqttConnectionException()), request);
    }

    private sealed record Request(TaskCompletionSource<IReadOnlyList<ReasonCode>> Answer)
    {
        public ReasonCode Prepared { get; set; }
    }
}
