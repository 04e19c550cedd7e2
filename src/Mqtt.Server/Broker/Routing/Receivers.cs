namespace Mqtt.Server.Broker.Routing;

/// <summary>Some receivers, which never change: an array, or for many of them pieces that are shared with what comes before and after a change.</summary>
internal readonly struct Receivers<T>
    where T : class
{
    private readonly Target<T>[] first;
    private readonly Target<T>[][]? pieces;

    /// <summary>All of an array.</summary>
    public Receivers(Target<T>[] targets) => (first, Length) = (targets, targets.Length);

    /// <summary>The first <paramref name="length"/> of pieces, all of which but the last are full.</summary>
    public Receivers(Target<T>[][] pieces, int length) => (first, this.pieces, Length) = (pieces[0], pieces, length);

    public int Length { get; }

    public Enumerator GetEnumerator() => new(this);

    public ref struct Enumerator
    {
        private readonly Target<T>[][]? pieces;
        private ReadOnlySpan<Target<T>> piece;
        private int left;
        private int at;
        private int next;

        public Enumerator(Receivers<T> receivers)
        {
            pieces = receivers.pieces;
            left = receivers.Length;
            Open(receivers.first ?? []);
            next = 1;
        }

        public readonly ref readonly Target<T> Current => ref piece[at];

        public bool MoveNext()
        {
            if (++at < piece.Length)
                return true;
            if (left == 0)
                return false;
            Open(pieces![next++]);
            at = 0;
            return true;
        }

        // The last piece has room for those who come later.
        private void Open(Target<T>[] targets)
        {
            piece = targets.AsSpan(0, Math.Min(left, targets.Length));
            left -= piece.Length;
            at = -1;
        }
    }
}
