"""What Word, PowerPoint and Excel files share: drawings, charts, formulas, number formats."""
