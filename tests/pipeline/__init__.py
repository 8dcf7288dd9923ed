"""Tests of the curators' side."""
