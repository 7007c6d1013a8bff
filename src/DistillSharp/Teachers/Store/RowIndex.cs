using DistillSharp.Data;

namespace DistillSharp.Teachers.Store;

/// <summary>Finds rows by sample id and view: open addressing over row numbers, 4 to 8 bytes a row; the ids themselves stay in the shards.</summary>
/// <param name="blockRows">Most rows in a block.</param>
internal sealed class RowIndex(int blockRows)
{
    private readonly List<(Shard Shard, ShardBlock Block)> _blocks = [];
    private readonly Dictionary<int, int> _rowsOfView = [];
    private int[] _slots = new int[1024];
    private int _count;

    /// <summary>Different rows.</summary>
    public int Count => _count;

    /// <summary>Rows that were there twice.</summary>
    public int Duplicates { get; private set; }

    /// <summary>Different rows of a view.</summary>
    public int CountOf(int view) => _rowsOfView.GetValueOrDefault(view);

    /// <summary>Views with rows, in order.</summary>
    public IEnumerable<int> Views => _rowsOfView.Keys.Order();

    /// <summary>Adds the rows of a block; of equal keys the first one stays.</summary>
    public void Add(Shard shard, ShardBlock block)
    {
        var number = _blocks.Count;
        _blocks.Add((shard, block));
        if ((_count + block.Rows) * 3L > _slots.Length * 2L)
        {
            Grow(_count + block.Rows);
        }

        for (var row = 0; row < block.Rows; row++)
        {
            var slot = Slot(shard.Id(block, row), block.View);
            if (_slots[slot] != 0)
            {
                Duplicates++;
                continue;
            }

            _slots[slot] = checked((number * blockRows) + row + 1);
            _count++;
            _rowsOfView[block.View] = CountOf(block.View) + 1;
        }
    }

    /// <summary>The row of a sample's view; null where there is none.</summary>
    public (Shard Shard, ShardBlock Block, int Row)? Find(long id, int view)
    {
        var entry = _slots[Slot(id, view)] - 1;
        return entry < 0 ? null : (_blocks[entry / blockRows].Shard, _blocks[entry / blockRows].Block, entry % blockRows);
    }

    private void Grow(int rows)
    {
        var old = _slots;
        _slots = new int[checked((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows * 2))];
        foreach (var entry in old.Where(entry => entry != 0))
        {
            var (shard, block) = _blocks[(entry - 1) / blockRows];
            _slots[Slot(shard.Id(block, (entry - 1) % blockRows), block.View)] = entry;
        }
    }

    // Where the row is, or where it would be put.
    private int Slot(long id, int view)
    {
        var mask = _slots.Length - 1;
        var slot = (int)StableRandom.Key(unchecked((ulong)id), (ulong)view) & mask;
        while (_slots[slot] != 0)
        {
            var (shard, block) = _blocks[(_slots[slot] - 1) / blockRows];
            if (block.View == view && shard.Id(block, (_slots[slot] - 1) % blockRows) == id)
            {
                break;
            }

            slot = (slot + 1) & mask;
        }

        return slot;
    }
}
