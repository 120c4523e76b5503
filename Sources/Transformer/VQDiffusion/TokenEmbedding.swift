import Checkpoint
import Tensor

/// Tokens to vectors: x_i = token row + height row + width row.
///
/// The position table is flattened with its *own* width and cut to L entries: token i takes height row i / W_t and width row
/// i mod W_t. Where the table is wider than the grid, as in the released ImageNet model (32×32 on 16×16 tokens), positions
/// therefore don't follow the grid; the model was trained so.
struct TokenEmbedding: Sendable {
  /// [K + 1, D], the last row for [MASK].
  private let tokens: FloatTensor
  /// [L, D]
  private let positions: FloatTensor

  init(_ weights: WeightLoader, _ configuration: VQDiffusionConfiguration) throws(CheckpointError) {
    let width = configuration.width
    let (tableRows, tableColumns) = (configuration.positionTable[0], configuration.positionTable[1])
    tokens = try weights.tensor("emb.weight", [configuration.codebookSize + 1, width])
    let (heights, widths): (FloatTensor, FloatTensor)
    switch configuration.positionKind {
    case .embedding:
      heights = try weights.tensor("height_emb.weight", [tableRows, width])
      widths = try weights.tensor("width_emb.weight", [tableColumns, width])
    case .parameter:
      heights = try weights.tensor("height_emb", [1, tableRows, width])
      widths = try weights.tensor("width_emb", [1, tableColumns, width])
    }
    let (height, column) = (heights.values, widths.values)
    positions = FloatTensor(uninitialized: [configuration.sequenceLength, width]) { target in
      for token in 0..<configuration.sequenceLength {
        let (row, place) = token.quotientAndRemainder(dividingBy: tableColumns)
        for channel in 0..<width {
          target[token * width + channel] = height[row * width + channel] + column[place * width + channel]
        }
      }
    }
  }

  /// tokens: B × L, flattened; the result is [B, L, D].
  func callAsFunction(_ indices: [Int32]) -> FloatTensor {
    let (length, width) = (positions.shape[0], positions.shape[1])
    defer { keepAlive(tokens, positions) }
    return FloatTensor(uninitialized: [indices.count / length, length, width]) { target in
      parallelForChunks(of: indices.count, grain: 256) { [target = SharedPointer(target)] range in
        let (table, places, target) = (tokens.base, positions.base, target.pointer)
        for token in range {
          let row = table + Int(indices[token]) * width
          let place = places + token % length * width
          for channel in 0..<width { target[token * width + channel] = row[channel] + place[channel] }
        }
      }
    }
  }
}
