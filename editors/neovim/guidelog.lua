-- Neovim 0.11 or newer: copy to lsp/guidelog.lua in your configuration, and add to init.lua:
--   vim.filetype.add({ extension = { dl = "guidelog" } })
--   vim.lsp.enable("guidelog")
return {
  cmd = { "guidelog", "lsp" },
  filetypes = { "guidelog" },
  root_markers = { "guideline.toml" },
  on_attach = function(client, buffer)
    vim.bo[buffer].commentstring = "%% %s"
    vim.lsp.codelens.refresh({ bufnr = buffer })
    vim.lsp.commands["guidelog.why"] = function(command)
      client:request("workspace/executeCommand", { command = command.command, arguments = command.arguments }, function(_, answer)
        if answer then
          local lines = vim.split(answer.text .. "\n\n" .. table.concat(answer.vignettes, "\n"), "\n")
          vim.lsp.util.open_floating_preview(lines, "markdown")
        end
      end)
    end
  end,
}
