using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Routing;

/// <summary>Some receivers, which never change: one, an array, or for many of them pieces that are shared with what comes before and after a change.</summary>
internal readonly struct Receivers<T>
    where T : class
{
    private readonly Target<T> only;
    private readonly Target<T>[]? first;
    private readonly Target<T>[][]? pieces;

    /// <summary>A single one, at hand without a further place in memory.</summary>
    public Receivers(in Target<T> only) => (this.only, Length) = (only, 1);

    /// <summary>All of an array.</summary>
    public Receivers(Target<T>[] targets) => (first, Length) = (targets, targets.Length);

    /// <summary>The first <paramref name="length"/> of pieces, all of which but the last are full.</summary>
    public Receivers(Target<T>[][] pieces, int length) => (first, this.pieces, Length) = (pieces[0], pieces, length);

    public int Length { get; }

    [UnscopedRef]
    public Enumerator GetEnumerator() => first is null ? new(new(in only), null, Length) : new(first, pieces, Length);

    public ref struct Enumerator
    {
        private readonly Target<T>[][]? pieces;
        private ReadOnlySpan<Target<T>> piece;
        private int left;
        private int at;
        private int next;

        internal Enumerator(ReadOnlySpan<Target<T>> first, Target<T>[][]? pieces, int count)
        {
            this.pieces = pieces;
            left = count;
            Open(first);
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
        private void Open(ReadOnlySpan<Target<T>> targets)
        {
            piece = targets[..Math.Min(left, targets.Length)];
            left -= piece.Length;
            at = -1;
        }
    }
}
